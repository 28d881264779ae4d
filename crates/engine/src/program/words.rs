//! Words for `{word()}`: common, harmless, and none that a content filter could mind.

pub(crate) const WORDS: &[&str] = &[
    "amber", "apple", "autumn", "balcony", "basket", "beacon", "birch", "blossom", "bridge", "brook",
    "candle", "canyon", "castle", "cedar", "chapter", "cinder", "clover", "copper", "coral", "cottage",
    "cricket", "crystal", "dawn", "desert", "dragon", "drift", "ember", "evening", "falcon", "feather",
    "fern", "forest", "fountain", "galaxy", "garden", "glacier", "granite", "harbour", "harvest", "hazel",
    "hollow", "honey", "horizon", "island", "ivory", "jasmine", "journey", "juniper", "kettle", "lantern",
    "lavender", "legend", "lilac", "linden", "maple", "marble", "meadow", "melody", "midnight", "mirror",
    "mountain", "nectar", "oasis", "ocean", "olive", "orchard", "orchid", "paper", "pebble", "pepper",
    "pine", "planet", "prairie", "quartz", "quill", "raven", "ribbon", "river", "saffron", "sailor",
    "sapphire", "shadow", "silver", "sparrow", "spring", "stone", "summer", "sunset", "thistle", "thunder",
    "timber", "travel", "tulip", "valley", "velvet", "violet", "willow", "winter", "wonder", "zephyr",
];
