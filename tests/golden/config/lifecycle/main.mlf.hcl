resource "endpoint" "e" {
  lifecycle {
    create_before_destroy = "maybe"
    prevent_destroy       = var.keep
    ignore_changes        = [port, all, env["A"], "model", f(x)]
    replace_triggered_by  = [model.m, model.m.digest, each.key, model.n[each.key], "x"]
    prevent_destory       = true
    precondition {
      condition = true
    }
    postcondition {
      condition     = 1 == 1
      error_message = "never"
    }
  }
  lifecycle {}
}

resource "endpoint" "f" {
  lifecycle = true
  depends_on {}
}

resource "endpoint" "g" {
  lifecycle {
    ignore_changes = port
  }
}
