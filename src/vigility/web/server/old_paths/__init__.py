"""Modules that `vigility.web` still finds under the paths that gunicorn's command line once had."""
