"""The factor model: its configuration, the state, betas by ridge, covariance, rates, exposures, their audit.

Here belongs what is estimated from returns of symbols and factors, and the exposures that follow for
positions. Shocks to the factors are in `stress`, risk from the covariance in `risk`.
"""
