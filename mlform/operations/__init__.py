"""One function for each thing a person can ask for; they return values and print nothing."""
