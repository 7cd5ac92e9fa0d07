"""The `vigility` command. Start at `main.py`: what every run does; then `app.py`: the commands there are."""
