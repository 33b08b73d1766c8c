mlform {
  required_version = ">= 99"
  required_providers {
  }
  backend "s4" {
  }
  experiments = []
}
