"""The command line, also installed as a kubectl plugin."""
