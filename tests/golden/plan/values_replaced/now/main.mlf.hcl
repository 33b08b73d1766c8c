resource "mlform_data" "a" {
  triggers_replace = 2
  input            = "one"
}

resource "mlform_data" "b" {
  for_each = toset(["q", "r"])
  input    = "${each.key} ${mlform_data.a.output}"
}

resource "mlform_data" "c" {
  count = 1
  input = { index = count.index, open = "x" }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [mlform_data.a]
  }
}

output "all" {
  value = { for key, item in mlform_data.b : key => item.output }
}
