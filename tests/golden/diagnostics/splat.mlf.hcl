locals {
  a = [1].*.x
  b = "x"[*].length
  c = [{ a = 1 }][*].b
}
