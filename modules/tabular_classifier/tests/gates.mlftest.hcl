# Whether a model is served is decided by its figures, which are given here.

variables {
  path   = "table.csv"
  target = "species"
  gates  = { accuracy = { min = 0.8 } }
  serve  = { port = 8080 }
}

mock_provider "mlform" {
  mock_resource "split" {
    defaults = {
      features = ["petal_length", "petal_width", "species"]
    }
  }

  mock_resource "evaluation" {
    defaults = {
      metrics = { accuracy = 0.7, log_loss = 0.5 }
    }
  }
}

run "a_poor_model_is_not_served" {
  expect_failures = [evaluation.this]
}

run "a_good_one_is" {
  override_resource {
    target = evaluation.this
    values = {
      metrics = { accuracy = 0.9, log_loss = 0.3 }
    }
  }

  assert {
    condition     = output.metrics.accuracy == 0.9 && output.url != null
    error_message = "The model passes its gate and is not served."
  }

  assert {
    condition     = output.features == ["petal_length", "petal_width"]
    error_message = "The model gets ${join(", ", output.features)}."
  }
}
