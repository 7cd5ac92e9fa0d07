"""The stores: each implements `vigility.core.reports.ports`, and only `vigility.bootstrap` picks one."""
