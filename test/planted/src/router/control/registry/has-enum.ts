// planted: lint/style/noEnum
export enum Colour {
  Red,
}
