"""The provider `files`: a user's own prices, splits, yields and names, as CSV or Parquet.

Reading a table and naming the bad line is here; what is done with prices once they are arrays, and is of
use to other sources too, is in `rows`.
"""
