"""The command line: words in, an operation called, a view shown, an exit status out."""
