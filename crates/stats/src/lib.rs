//! Histograms, windows and their exact merge; percentiles; Locust's rounding rules.
