"""Alerts: rules evaluated on what was published, on coverage and on checks, and telling them.

What a rule is and when it fires is computed in `sigmasight_core.alerts`; the stored alerts and their outbox
are in `warehouse.stores.alerts`; when a tick runs is decided in `automation`. Here the three come together.
"""
