"""The pure core: model, rules and use cases. It imports nothing but the standard library."""
