"""Steps and scores: of one network or of an ensemble, on one device or on several."""
