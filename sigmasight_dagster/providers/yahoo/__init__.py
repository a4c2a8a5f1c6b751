"""The source `yahoo`: Yahoo Finance through yfinance, in its own package because it needs so much care.

Its cookies, names of symbols, doubtful bars and option chains are here. No other source imports from here.
"""
