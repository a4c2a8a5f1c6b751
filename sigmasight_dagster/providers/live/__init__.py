"""The provider `live`: chains of sources, one for each kind of data, tried in the order of the settings.

Here sources are chosen, made and put together. What a source says and how it is asked belongs to the
source: `vendors`, `yahoo`, or a local provider.
"""
