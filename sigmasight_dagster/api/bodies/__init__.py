"""What routes take and answer, as models: those of a namespace in one file."""
