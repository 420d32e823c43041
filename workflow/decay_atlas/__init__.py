"""decay-atlas: maps how learning rate and weight decay act together in training."""
