//! What tests share: a counting allocator, scripted servers, snapshot filters.
