"""What a person types: one file a family of commands, each only asks a part to do its work.

Laws: parts are imported inside the commands, so that `--help` is quick and a production install
needs no Java; a command ends with 0, with 2 for wrong usage, or with its cause's code (errors.py)
and a sentence saying what was wrong, where, and what to do. No opinion on anything else lives here.
"""
