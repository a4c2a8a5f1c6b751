"""How sources are spoken to: addresses, rates, retries, circuit breaker, JSON pages. No vendor by name.

What an answer means is for the vendor's own module; which vendor is asked is for `live`.
"""
