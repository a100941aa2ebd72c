"""The VISA library `NAME@luggin`: PyVISA finds a backend by the name of its package."""
