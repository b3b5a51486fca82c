"""`python -m streams` is `tollgate`."""

from streams.cli.main import main

if __name__ == "__main__":
    main()
