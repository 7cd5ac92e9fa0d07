"""The `vigility` command. Read `main.py` first (what every run does), then `app.py` (the commands)."""
