resource "mlform_data" "a" { input = 1, triggers_replace = 2 }

resource "mlform_data" "b" { input = 1 triggers_replace = 2 }
