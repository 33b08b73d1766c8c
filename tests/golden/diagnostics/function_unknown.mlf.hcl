locals {
  a = uper("x")
  b = file_exists("x")
  c = len([1])
  d = provider::mlform::fingerprnt("x")
  e = provider::aws::arn("x")
}
