"""Parts of training recipes, one to a file, each with its source; ``fine_tune`` puts them together."""
