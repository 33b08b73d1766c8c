resource "mlform_data" "a" {
  triggers_replace = 1
  input            = "one"
}

resource "mlform_data" "b" {
  for_each = toset(["p", "q"])
  input    = "${each.key} ${mlform_data.a.output}"
}

resource "mlform_data" "c" {
  count = 2
  input = { index = count.index, open = "x" }

  lifecycle {
    create_before_destroy = true
    replace_triggered_by  = [mlform_data.a]
  }
}

output "all" {
  value = { for key, item in mlform_data.b : key => item.output }
}
