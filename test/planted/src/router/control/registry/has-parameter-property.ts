// planted: lint/style/noParameterProperties
export class Holder {
  constructor(readonly value: number) {}
}
