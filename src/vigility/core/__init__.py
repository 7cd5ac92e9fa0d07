"""The pure core: models, rules, use cases and ports. It imports nothing but the standard library.

Read `service.py` first: the facade `Vigility` leads to every use case. `installation.py` lists the ports.
"""
