"""The package in which pyserial looks for ``protocol_sim`` when a URL begins with ``sim://``."""
