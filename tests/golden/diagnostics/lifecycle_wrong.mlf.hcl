resource "mlform_data" "a" {
  input = 1
  lifecycle {
    prevent_destory = true
    ignore_changes  = [inputs]
    create_before_destroy = "sure"
    replace_triggered_by  = [mlform_data.nope]
    precondition {
      condition = true
    }
    postcondition {
      condition     = self.id == ""
      error_message = "no"
      extra         = 1
    }
  }
  lifecycle {
  }
}
