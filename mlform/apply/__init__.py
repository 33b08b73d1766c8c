"""Carrying out a plan, step by step."""
