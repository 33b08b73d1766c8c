"""Fetching the packages that modules come from."""
