moved {
  from = mlform_data.a
}

moved {
  from = mlform_data.a
  to   = dataset.b
}

removed {
  from = mlform_data.still_here
}

resource "mlform_data" "still_here" {
}

import {
  to = mlform_data.nope
  id = "x"
}

import {
  id = "y"
}
