"""The whole fleet under everything that can go wrong at once, by seed: what is left must be exactly right."""
