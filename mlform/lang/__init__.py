"""The expression language: values, types, conversion, functions, resolving."""
