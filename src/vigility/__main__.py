"""`python -m vigility` is the `vigility` command."""

from vigility.cli.main import main

if __name__ == "__main__":
    main()
