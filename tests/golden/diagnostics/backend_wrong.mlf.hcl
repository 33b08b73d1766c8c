mlform {
  backend "local" {
    pth = "x"
  }
}
