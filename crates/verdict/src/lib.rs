//! Judgement of a run: criteria against measures, as pure functions of its windows.
