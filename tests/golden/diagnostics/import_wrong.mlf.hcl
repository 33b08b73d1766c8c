resource "mlform_data" "a" {
}

import {
  to = mlform_data.a
}

import {
  to       = mlform_data.a
  id       = each.key
  for_each = ["a"]
}
