from support.program import program, with_users  # noqa: F401 - fixtures
