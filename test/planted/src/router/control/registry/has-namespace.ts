// planted: lint/style/noNamespace
export namespace Space {
  export const x = 1;
}
