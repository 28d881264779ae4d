//! The HTTP/1.1 client of the load path: a sans-IO core and a thin tokio driver.
