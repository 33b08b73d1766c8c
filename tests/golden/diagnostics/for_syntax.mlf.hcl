locals {
  d = { for k, v in { a = 1 } : k }
}

locals {
  a = [for in [1] : x]
}

locals {
  b = [for x [1] : x]
}
