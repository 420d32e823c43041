"""What a study's entries may say of training. Standard library only: every plan reads it."""
