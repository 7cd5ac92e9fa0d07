"""The stores: each implements `vigility.core.repositories`, and only `vigility.bootstrap` picks one."""
