# A study of bounds: nothing is trained.
