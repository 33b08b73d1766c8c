"""Text for people and programs, made from plans, events, values and states."""
