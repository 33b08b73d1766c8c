"""The native syntax of HCL: text to tree and back. Syntax only; no meaning."""
